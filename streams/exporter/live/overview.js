// Every KPI at a glance: the headline ones first, then by family.

import { h } from "./dom.js";
import { title } from "./format.js";
import { store } from "./store.js";
import { Tile } from "./tile.js";

export class Overview {
  constructor(main) {
    this.tiles = new Map();
    const definitions = [...store.catalog.values()];
    const headlines = definitions.filter((d) => d.headline);
    if (headlines.length) main.append(this.section("headlines", "Headlines", headlines, true));
    for (const [family, members] of store.families) {
      const rest = members.filter((d) => !d.headline);
      if (rest.length) main.append(this.section(family, title(family), rest, false));
    }
  }

  section(name, heading, definitions, large) {
    const id = `section-${name}`;
    const tiles = definitions.map((d) => new Tile(d, { large }));
    for (const tile of tiles) this.tiles.set(tile.kpi, tile);
    const linked = large ? heading : h("a", { href: `#/${encodeURIComponent(name)}` }, heading);
    return h("section", { "aria-labelledby": id, class: "section" },
      h("h2", { id, class: large ? "unseen" : "section-title" }, linked),
      h("div", { class: large ? "grid headlines" : "grid" }, tiles.map((tile) => tile.element)));
  }

  /** Show what changed; everything where nothing is named. */
  update(changed) {
    for (const [kpi, tile] of this.tiles) if (!changed || changed.has(kpi)) tile.update();
  }

  tick() {
    for (const tile of this.tiles.values()) tile.tick();
  }

  destroy() {
    for (const tile of this.tiles.values()) tile.destroy();
  }
}
