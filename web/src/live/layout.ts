// How many columns a grid of pictures gets, and how wide they are: as large as fits without scrolling; where pictures
// would become too small, the page scrolls instead.

/** Tiles that are seen at once at most. */
export const MAX_VISIBLE = 16;

/** A tile is not made narrower than this to spare scrolling, in pixels. */
const LEAST_WIDTH = 168;

/** A phone held upright: it is filled across, and scrolls when all do not fit. */
const NARROW_WIDTH = 600;
/** Up to so many tiles stand in one column there. */
const ONE_COLUMN = 5;

/** Width to height of a tile. */
export const ASPECT = 16 / 9;

/** The room for a grid, in pixels. */
export interface Room {
  readonly width: number;
  readonly height: number;
  readonly gap: number;
}

export interface Layout {
  readonly columns: number;
  /** Width of a tile. */
  readonly width: number;
}

/** The layout of `count` tiles. */
export function layout(count: number, room: Room): Layout {
  const tiles = Math.max(1, Math.min(count, MAX_VISIBLE));
  let best: Layout = { columns: 1, width: 0 };
  for (let columns = 1; columns <= tiles; columns += 1) {
    const width = fitting(columns, Math.ceil(tiles / columns), room);
    if (width > best.width) best = { columns, width };
  }
  const fills = best.columns * best.width > room.width * 0.75;
  if (room.width < NARROW_WIDTH && room.height > room.width && !fills) {
    return across(tiles <= ONE_COLUMN ? 1 : 2, room);
  }
  const least = Math.min(LEAST_WIDTH, room.width);
  return best.width >= least ? best : scrolling(tiles, room);
}

/** So many columns over the whole width. */
function across(columns: number, { width, gap }: Room): Layout {
  return { columns, width: Math.floor((width - gap * (columns - 1)) / columns) };
}

/** The widest tile of so many columns and rows that fits without scrolling. */
function fitting(columns: number, rows: number, { width, height, gap }: Room): number {
  const across = (width - gap * (columns - 1)) / columns;
  const down = ((height - gap * (rows - 1)) / rows) * ASPECT;
  return Math.floor(Math.max(0, Math.min(across, down)));
}

/** The whole width, with as many columns as are not too narrow. */
function scrolling(tiles: number, room: Room): Layout {
  const most = Math.floor((room.width + room.gap) / (LEAST_WIDTH + room.gap));
  return across(Math.min(tiles, Math.max(1, most)), room);
}
