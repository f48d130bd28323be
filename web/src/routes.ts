// The app's addresses: text to route and back. Pure; `router.svelte.ts` keeps the current one and goes to others.

import type { CameraId } from "./domain/id.ts";

/** Pages of the settings. */
export const SETTINGS = ["storage", "devices", "appearance", "security", "about"] as const;
export type SettingsPage = (typeof SETTINGS)[number];

/** A page of the app. */
export type Route =
  | { readonly page: "live" }
  | { readonly page: "camera"; readonly camera: CameraId }
  | { readonly page: "playback"; readonly camera: CameraId | null; readonly atMs: number | null }
  | { readonly page: "cameras" }
  | { readonly page: "camera-new" }
  | { readonly page: "camera-edit"; readonly camera: CameraId }
  | { readonly page: "settings"; readonly part: SettingsPage | null }
  | { readonly page: "claim" | "join" | "sign-in" }
  | { readonly page: "not-found" };

/** Addresses, for links: `<a href={href.camera(id)}>`. */
export const href = {
  live: "/",
  cameras: "/cameras",
  newCamera: "/cameras/new",
  signIn: "/sign-in",
  camera: (id: CameraId): string => `/camera/${id}`,
  editCamera: (id: CameraId): string => `/cameras/${id}`,
  settings: (part?: SettingsPage): string =>
    part === undefined ? "/settings" : `/settings/${part}`,
  playback: (id?: CameraId | null, atMs?: number | null): string =>
    `/playback${id ? `/${id}` : ""}${typeof atMs === "number" ? `?t=${Math.round(atMs)}` : ""}`,
} as const;

const CAMERA = "([a-z2-7]{26})";

const TABLE: readonly (readonly [RegExp, (part: string | undefined, url: URL) => Route])[] = [
  [/^\/$/, () => ({ page: "live" })],
  [new RegExp(`^/camera/${CAMERA}$`), (id) => ({ page: "camera", camera: id as CameraId })],
  [
    new RegExp(`^/playback(?:/${CAMERA})?$`),
    (id, url) => ({
      page: "playback",
      camera: (id ?? null) as CameraId | null,
      atMs: time(url.searchParams.get("t")),
    }),
  ],
  [/^\/cameras$/, () => ({ page: "cameras" })],
  [/^\/cameras\/new$/, () => ({ page: "camera-new" })],
  [new RegExp(`^/cameras/${CAMERA}$`), (id) => ({ page: "camera-edit", camera: id as CameraId })],
  [
    new RegExp(`^/settings(?:/(${SETTINGS.join("|")}))?$`),
    (part) => ({ page: "settings", part: (part ?? null) as SettingsPage | null }),
  ],
  [/^\/claim$/, () => ({ page: "claim" })],
  [/^\/join$/, () => ({ page: "join" })],
  [/^\/sign-in$/, () => ({ page: "sign-in" })],
];

/** The route of an address; a trailing slash does not matter. */
export function routeOf(url: URL): Route {
  const path = url.pathname.length > 1 ? url.pathname.replace(/\/+$/, "") : url.pathname;
  for (const [pattern, make] of TABLE) {
    const match = pattern.exec(path);
    if (match !== null) return make(match[1], url);
  }
  return { page: "not-found" };
}

/** Milliseconds since 1970 of a query, within what a date can be. */
function time(text: string | null): number | null {
  if (text === null || !/^\d{1,16}$/.test(text)) return null;
  const ms = Number(text);
  return ms <= 8_640_000_000_000_000 ? ms : null;
}
