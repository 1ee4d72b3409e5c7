-- The start of the calendar window that ends with each day.
select day.end_ms, first.start_ms
from day join day first on first.date = cast(date_trunc('$period', day.date) as date)
