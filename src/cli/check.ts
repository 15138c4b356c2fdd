/** One line of `doctor`. */
export interface Check {
  name: string;
  /** `note`: as it is meant to be, but worth knowing. */
  state: "ok" | "note" | "wrong";
  detail: string;
  cure?: string;
  /** What `doctor --fix` can do about it without anybody's decision. */
  fix?: Fix;
}

export interface Fix {
  /** Said before it is done: "set the mode of … to 0600". */
  what: string;
  /** @returns what was done. Throws when it could not be. */
  run(): Promise<string>;
}
