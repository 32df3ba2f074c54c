DROP TABLE beats;
DROP TABLE failovers;
DROP TABLE leases;
DROP TABLE instances;
