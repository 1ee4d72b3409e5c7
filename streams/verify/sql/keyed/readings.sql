-- Readings of outside figures: what each differs by from the one before, by (ts, offset).
--
--   read        100        80    130             at the last end: 130
--   changed    +100       -20    +50             summed up since the beginning: 130
insert into fact by name
with told as (
    select *, micro - lag(micro, 1, 0) over run as differs, row_number() over run = 1 as first
    from taken
    window run as (partition by topic, part, identity order by ts, off)
)
select topic, part, case type when 'target_set' then 'target' else type end || '_changed' as type,
    ts, off as known_off, off as dimensions_off, differs as micro, cast(first as integer) as known
from told
where differs <> 0 or first;
