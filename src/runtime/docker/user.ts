export interface User {
  uid: number;
  gid: number;
}

export interface UserFacts {
  /** Whom the host runs as. */
  host: User;
  /** Who owns the folder with all state. */
  home: User;
  /** Chosen at an earlier start. */
  kept: number | undefined;
  /** A number from 0 up to, not including, 1; drawn once per installation. */
  random: number;
}

/** Below it are people of this machine and ranges handed out to them; uid 1000 has the first user's rights. */
const FIRST_UNUSED = 200_000;

/**
 * Whom turns run as: the host's user; for a host that is root the owner of the state folder; where
 * that is root, too, a number nobody has.
 */
export function containerUser({ host, home, kept, random }: UserFacts): User {
  if (host.uid !== 0) return host;
  if (home.uid !== 0) return home;
  const uid = kept ?? FIRST_UNUSED + Math.floor(random * 100_000);
  return { uid, gid: uid };
}
