/** A backup or a restore could not be done; the message says why and what helps. */
export class BackupError extends Error {
  override name = "BackupError";
}

/** What the system said about a place, in words. */
export function inWords(error: unknown, place: string): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return `the disk with ${place} is full`;
    case "EACCES":
    case "EPERM":
      return `this user may not write to ${place}`;
    case "EROFS":
      return `the disk with ${place} is read-only`;
    case "ENOENT":
      return `${place} is not there`;
    case "ENOTDIR":
      return `a part of the path ${place} is no folder`;
    case undefined:
    default:
      return message;
  }
}
