// A dashboard as it is stored, by Grafana's published types.
//
// JSON has no enums, so each stands for its values; the published Dashboard leaves options of panels
// open, so each panel is held against its own plugin's type; what a data source adds to annotations
// is added here.
import type { AnnotationQuery, Dashboard, FieldConfigSource, Panel, RowPanel } from "@grafana/schema";
import type * as BarGauge from "@grafana/schema/dist/types/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen.d.ts";
import type * as Heatmap from "@grafana/schema/dist/types/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen.d.ts";
import type * as Stat from "@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen.d.ts";
import type * as TimeSeries from "@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen.d.ts";

type Plain<T> = T extends string ? `${T}`
  : T extends (infer One)[] ? Plain<One>[]
  : T extends object ? { [Key in keyof T]: Plain<T[Key]> }
  : T;

type Of<Type, Options, Fields> = Omit<Panel, "type" | "options" | "fieldConfig"> & {
  type: Type;
  options?: Partial<Options>;
  fieldConfig?: FieldConfigSource<Partial<Fields>>;
};

type Shown =
  | Of<"stat", Stat.Options, object>
  | Of<"timeseries", TimeSeries.Options, TimeSeries.FieldConfig>
  | Of<"bargauge", BarGauge.Options, object>
  | Of<"heatmap", Heatmap.Options, Heatmap.FieldConfig>
  | RowPanel;

interface Annotation extends Omit<AnnotationQuery, "target"> {
  expr?: string;
  titleFormat?: string;
  tagKeys?: string;
  step?: string;
  target?: { limit: number; matchAny: boolean; tags: string[]; type: string };
}

export type Board = Plain<
  Omit<Dashboard, "annotations" | "panels"> & {
    annotations?: { list?: Annotation[] };
    panels?: Shown[];
  }
>;
