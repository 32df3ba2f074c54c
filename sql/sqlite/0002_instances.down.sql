DROP TABLE failovers;
DROP TABLE leases;
DROP TABLE instances;
