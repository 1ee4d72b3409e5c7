-- What partitions passed on to each other, an emission a row, in the order of the log. Of those that
-- were sent again (a crash, an owner that lingered) the first counts: the order of each source's is
-- that of its offsets.
create or replace temp table record as
select topic, part, off, try(decode(value)) as body from log
where topic = 'tracking.customer' or starts_with(try(decode(value)), '{"type":"_passed"');

create or replace table passed as
with bundle as (
    select topic, part, off,
        concat(body ->> '$$.topic', '/', body ->> '$$.partition') as origin,
        unnest(from_json(body -> '$$.emissions', '["json"]')) as emission,
        generate_subscripts(from_json(body -> '$$.emissions', '["json"]'), 1) as pos
    from record
    where json_valid(body) and body ->> '$$.type' = '_passed'
), placed as (
    select * exclude (emission), cast(emission ->> 0 as bigint) as of_off,
        cast(emission ->> 1 as bigint) as of_number
    from bundle
)
select * from placed
qualify row_number() over (partition by topic, part, origin, of_off, of_number
                           order by off, pos) = 1;
