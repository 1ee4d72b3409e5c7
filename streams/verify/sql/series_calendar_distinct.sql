-- Distinct members from the start of a calendar period: each counts from its first day on.
with pane as (
    select distinct date, date_trunc('$period', date) as period,
        array_to_string(labels, chr(31)) as key, member
    from base_member asof join day on base_ms >= day.start_ms
    where measure = $measure and dimensions = $dimensions
), step as (
    select min(date) as date, period, key, 1 as amount from pane group by period, key, member
    union all
    select distinct date, period, key, 0 from pane
    union all
    select distinct period + interval 1 $period, period + interval 1 $period, key, 0 from pane
), on_day as (
    select date, period, key, sum(amount) as amount from step group by all
)
select day.end_ms, '' as component, key,
    cast(sum(amount) over (partition by key, period order by date) as bigint) as amount
from on_day join day using (date)
qualify day.end_ms <= $final
