-- A measure since the beginning, at every midnight after a day that holds something.
with wanted(measure, dimensions, number) as (values $wanted
), on_day as (
    select $date as date, number, component, array_to_string(labels, chr(31)) as key,
        sum(amount) as amount
    from base_cell join wanted using (measure, dimensions)
        asof join day on base_ms >= day.start_ms
    group by all
)
select day.end_ms, number, component, key,
    cast(sum(amount) over (partition by number, component, key order by date) as bigint) as amount
from on_day join day using (date)
qualify day.end_ms <= $final
