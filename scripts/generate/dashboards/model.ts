/** The JSON of a Grafana dashboard, as far as ours use it (schema version 42, Grafana 12 and 13). */

/** A data source: its type and its uid, which may be a variable. */
export interface DataSource {
  readonly type: "prometheus" | "loki" | "tempo";
  readonly uid: string;
}

/** What a panel asks: PromQL and LogQL in `expr`, TraceQL in `query`. */
export interface Target {
  readonly refId: string;
  readonly datasource: DataSource;
  readonly expr?: string;
  readonly legendFormat?: string;
  readonly format?: "time_series" | "table" | "heatmap";
  readonly instant?: boolean;
  readonly range?: boolean;
  readonly exemplar?: boolean;
  readonly editorMode?: "code";
  readonly query?: string;
  readonly queryType?: "traceql" | "range";
  readonly filters?: readonly never[];
  readonly tableType?: "traces";
  readonly limit?: number;
  readonly maxLines?: number;
}

/** Where a panel is: of 24 columns, in units of some 30 pixels. */
export interface GridPosition {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** From this value on a colour holds; `null` is the first. */
export interface Threshold {
  readonly color: string;
  readonly value: number | null;
}

/** How values become texts. */
export type Mapping =
  | {
      readonly type: "value";
      readonly options: Readonly<Record<string, { readonly text: string; readonly color?: string }>>;
    }
  | {
      readonly type: "special";
      readonly options: { readonly match: "null+nan"; readonly result: { readonly text: string } };
    };

/** What is set of some fields, otherwise than of the others. */
export interface Override {
  readonly matcher: { readonly id: "byName" | "byRegexp" | "byFrameRefID"; readonly options: string };
  readonly properties: readonly { readonly id: string; readonly value: unknown }[];
}

/** A link of a panel or of a dashboard. */
export interface Link {
  readonly title: string;
  readonly url?: string;
  readonly type?: "link" | "dashboards";
  readonly tags?: readonly string[];
  readonly asDropdown?: boolean;
  readonly includeVars?: boolean;
  readonly keepTime?: boolean;
  readonly targetBlank?: boolean;
  readonly icon?: string;
  readonly tooltip?: string;
}

/** A panel, without its place. */
export interface PanelBody {
  readonly type: "timeseries" | "stat" | "table" | "heatmap" | "logs";
  readonly title: string;
  readonly description: string;
  readonly datasource: DataSource;
  readonly targets: readonly Target[];
  readonly fieldConfig: {
    readonly defaults: Readonly<Record<string, unknown>>;
    readonly overrides: readonly Override[];
  };
  readonly options: Readonly<Record<string, unknown>>;
  readonly transformations?: readonly { readonly id: string; readonly options: unknown }[];
  readonly links?: readonly Link[];
}

/** A panel where it stands. */
export interface Panel extends PanelBody {
  readonly id: number;
  readonly gridPos: GridPosition;
}

/** A heading; a collapsed one holds its panels. */
export interface Row {
  readonly id: number;
  readonly type: "row";
  readonly title: string;
  readonly collapsed: boolean;
  readonly gridPos: GridPosition;
  readonly panels: readonly Panel[];
}

/** What the user chooses at the top. */
export interface Variable {
  readonly name: string;
  readonly label: string;
  readonly type: "datasource" | "query";
  readonly query: string | { readonly query: string; readonly refId: string; readonly qryType: number };
  readonly hide: 0 | 1 | 2;
  readonly [field: string]: unknown;
}

/** Marks on the time axis. */
export interface Annotation {
  readonly name: string;
  readonly datasource: DataSource;
  readonly enable: boolean;
  readonly iconColor: string;
  readonly expr: string;
  readonly titleFormat: string;
  readonly textFormat: string;
  readonly [field: string]: unknown;
}

/** A dashboard. */
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly schemaVersion: number;
  readonly editable: boolean;
  readonly graphTooltip: 0 | 1 | 2;
  readonly timezone: string;
  readonly refresh: string;
  readonly time: { readonly from: string; readonly to: string };
  readonly templating: { readonly list: readonly Variable[] };
  readonly annotations: { readonly list: readonly Annotation[] };
  readonly links: readonly Link[];
  readonly panels: readonly (Panel | Row)[];
}
