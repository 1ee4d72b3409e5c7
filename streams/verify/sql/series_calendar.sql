-- A measure from the start of its calendar period, at every midnight where it changes: after a
-- day that holds something, and after the first day of the next period, which starts anew. A
-- shifted window sees a day on another date.
with wanted(measure, dimensions, number) as (values $wanted
), seen as (
    select $date as date, number, component, array_to_string(labels, chr(31)) as key, amount
    from base_cell join wanted using (measure, dimensions)
        asof join day on base_ms >= day.start_ms
    where $shown
), pane as (
    select date, date_trunc('$period', date) as period, number, component, key,
        sum(amount) as amount
    from seen group by all
), step as (
    select * from pane
    union all
    select distinct period + interval 1 $period, period + interval 1 $period, number,
        component, key, 0
    from pane
), on_day as (
    select date, period, number, component, key, sum(amount) as amount from step group by all
)
select day.end_ms, number, component, key,
    cast(sum(amount) over (partition by number, component, key, period order by date) as bigint)
        as amount
from on_day join day using (date)
qualify day.end_ms <= $final
