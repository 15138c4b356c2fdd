/** A command could not do what it was asked; the message says why and what helps. */
export class CommandError extends Error {
  override name = "CommandError";
  readonly exitCode: 1 | 2;
  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
