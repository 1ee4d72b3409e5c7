-- The facts of one type as rows to count, numbered in the order in which they came about.
-- A timer's fact came about with the record that moved the watermark to it.
create or replace temp table counted as
with clock as (
    select topic, part, off, max(ts) over (partition by topic, part order by off)
        - getvariable('allowed_lateness_ms') as watermark_ms
    from accepted
    where type <> '_purchase_linked'
), moved as (
    select topic, part, watermark_ms, min(off) as off from clock
    group by topic, part, watermark_ms
), wanted as (
    select fact.*, greatest(known_off, coalesce(moved.off, known_off)) as at_off
    from fact asof left join moved
      on fact.topic = moved.topic and fact.part = moved.part and fact.due_ms <= moved.watermark_ms
    where fact.type = '$type'
)
select f.topic, coalesce(f.home, f.part) as part, f.ts, f.duration_ms, f.micro, coalesce(f.weight, 1) as weight,
    coalesce(f.gone, false) as gone,
    row_number() over (order by at_off, due_ms nulls first, dimensions_off, number) as sequence
    $fields
from wanted f
join accepted a on a.topic = f.topic and a.part = f.part and a.off = f.dimensions_off
left join accepted b on b.topic = f.topic and b.part = f.part and b.off = f.fallback_off;
