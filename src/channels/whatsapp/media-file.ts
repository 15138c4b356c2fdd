import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { safeStem } from "./safe-name.ts";

/** A file that gets its name only when it is whole; until then, and when it never is, nobody sees it. */
export interface MediaFile extends AsyncDisposable {
  write(bytes: Uint8Array): Promise<void>;
  /** On the disk under this name, in place of an earlier one. */
  keep(name: string): Promise<void>;
}

/** The disk refused. */
export class MediaFileError extends Error {
  constructor(cause: unknown) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    const full = code === "ENOSPC" || code === "EDQUOT";
    super(full ? "the disk is full" : `it could not be written to the disk (${code})`, { cause });
  }
}

const PART = /^\..+\.part$/;

/** The folder is the host's. A stem is written by one at a time: what lies there of it was left by a crash. */
export async function createMediaFile(folder: string, stem: string): Promise<MediaFile> {
  const path = join(folder, `.${safeStem(stem)}.part`);
  const file = await onDisk(openNew(folder, path));
  let open = true;
  const close = async () => {
    if (open) await file.close();
    open = false;
  };
  return {
    write: (bytes) => onDisk(file.writeFile(bytes)),
    keep: async (name) => {
      const publish = async () => {
        // In a container another user reads it; the folders above decide who else can.
        await file.chmod(0o644);
        await file.sync();
        await close();
        const named = join(folder, name);
        await rename(path, named);
        await syncFolder(folder).catch(async (error: unknown) => {
          await rm(named, { force: true });
          throw error;
        });
      };
      await onDisk(publish());
    },
    [Symbol.asyncDispose]: async () => {
      await close();
      await rm(path, { force: true });
    },
  };
}

/** Takes away what downloads left that a crash ended. Not while one runs. */
export async function removePartialMedia(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((each) => PART.test(each))) await rm(join(folder, name), { force: true });
}

async function openNew(folder: string, path: string): Promise<FileHandle> {
  await mkdir(folder, { recursive: true });
  await rm(path, { force: true });
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  return open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
}

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  await handle.sync();
}

async function onDisk<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new MediaFileError(error);
  }
}
