/**
 * Version of everything host and runner say to each other: input, frames, request files.
 * A host refuses a runner of another version before it gives it any input.
 */
export const PROTOCOL_VERSION = 1;
