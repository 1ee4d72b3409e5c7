-- The log as read: every record of every topic, in partition and offset order.
create or replace table log (
    topic varchar not null,     -- logical
    part integer not null,
    off bigint not null,
    recorded_ms bigint not null,
    key blob,
    value blob
);
