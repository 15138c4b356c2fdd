/** A change that cannot be made; the message names what is wrong and the cure. */
export class GroupError extends Error {
  override name = "GroupError";
}
