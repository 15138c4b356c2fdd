/** A change that cannot be made; the message names what is wrong and the cure. */
export class GroupError extends Error {
  override name = "GroupError";
}

/** For a folder that no group has. */
export function noGroup(folder: string, known: readonly string[]): GroupError {
  const others =
    known.length > 0
      ? `There are: ${known.join(", ")}. Add one with: nanoclaw groups add --name "Name" --folder ${folder}`
      : "There is none yet; the first start makes main: npm start";
  return new GroupError(`There is no group "${folder}". ${others}`);
}
