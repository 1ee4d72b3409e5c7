-- A measure from the start of its calendar period, at every midnight where it changes: after a
-- day that holds something, and after the first day of the next period, which starts anew.
with pane as (
    select date, date_trunc('$period', date) as period, component,
        array_to_string(labels, chr(31)) as key, sum(amount) as amount
    from base_cell asof join day on base_ms >= day.start_ms
    where measure = $measure and dimensions = $dimensions
    group by all
), step as (
    select * from pane
    union all
    select distinct period + interval 1 $period, period + interval 1 $period, component, key, 0
    from pane
), on_day as (
    select date, period, component, key, sum(amount) as amount from step group by all
)
select day.end_ms, component, key,
    cast(sum(amount) over (partition by component, key, period order by date) as bigint) as amount
from on_day join day using (date)
qualify day.end_ms <= $final
