-- Dimension values as labels, for one event type and dimension set: the first N combinations of
-- a partition keep their values, the rest counts as other; a currency always keeps its name.
create or replace temp table labelled as
with cleaned as (
    select topic, part, ts, micro, weight, duration_ms, gone, sequence, $kept [$cleaned]::varchar[] as labels
    from counted
), ranked as (
    select topic, part, labels, row_number() over (partition by topic, part order by first) as rank
    from (
        select topic, part, labels, min(sequence) as first
        from cleaned group by topic, part, labels
    )
)
select cleaned.* replace (
    case when rank <= $budget then labels
         else [$others]::varchar[] end as labels)
from cleaned join ranked using (topic, part, labels)
where not gone;
