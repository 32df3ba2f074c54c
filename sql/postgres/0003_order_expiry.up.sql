-- Which contract an order is for: the last day of it, "" where there are no expiries.
ALTER TABLE orders ADD COLUMN expiry text COLLATE "C" NOT NULL DEFAULT '';
