import { DEF_MEDIA_HOST, getUrlFromDirectPath } from "baileys";

/** Told a name or an address, without the port. */
export type AllowedHost = (host: string) => boolean;

export const isWhatsAppHost: AllowedHost = (host) => host.endsWith(".whatsapp.net");

interface Place {
  directPath: string | null;
  url: string | null;
}

/**
 * Where a file lies. Both parts are the sender's claim: a stranger must not make this machine call
 * another one, least of all one of its own network. Null: nowhere that may be called.
 */
export function addressOf({ directPath, url }: Place, allowed: AllowedHost): URL | null {
  const claimed = permitted(URL.parse(url ?? ""), allowed);
  // Some clients name a host alone, which has no media.
  const whole = claimed && claimed.pathname !== "/" ? claimed : null;
  if (directPath === null) return whole;
  if (!directPath.startsWith("/")) return null;
  return permitted(URL.parse(getUrlFromDirectPath(directPath, whole?.host ?? DEF_MEDIA_HOST)), allowed);
}

/** The URL, if it may be called. */
export function permitted(url: URL | null, allowed: AllowedHost): URL | null {
  const plain = url?.protocol === "https:" && url.username === "" && url.password === "";
  return plain && allowed(url.hostname) ? url : null;
}
