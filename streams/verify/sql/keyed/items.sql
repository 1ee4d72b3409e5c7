-- Items: what a purchase holds, an element a fact; what an element leaves open the purchase says.
insert into fact by name
with sold as (
    select t.topic, t.part, t.off, t.ts, i.number,
        coalesce(nullif(i.product, ''), t.product) as product,
        coalesce(nullif(i.category, ''), t.category) as category,
        cast(i.quantity as bigint) as quantity, i.price, i.unit_cost
    from taken t join item i
      on i.topic = t.topic and i.part = t.part and i.off = t.off // 1024
), told as (
    select *, 'purchase_item' as type, coalesce(cast(amount(price) * 1000000 as bigint), 0) as each
    from sold
    union all by name
    select *, 'purchase_cost' as type, cast(amount(unit_cost) * 1000000 as bigint) as each
    from sold where unit_cost is not null
)
select topic, part, type, ts, off as known_off, off as dimensions_off, number, product,
    category, quantity, each * quantity as micro
from told;
