/** One line of `doctor`. */
export interface Check {
  name: string;
  /** `note`: as it is meant to be, but worth knowing. */
  state: "ok" | "note" | "wrong";
  detail: string;
  cure?: string;
}
