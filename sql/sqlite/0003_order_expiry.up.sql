-- The dated contract an order is for; empty: its instrument has none.
ALTER TABLE orders ADD COLUMN expiry TEXT NOT NULL DEFAULT '';
