import type { Outcome, StepName } from "./outcome.ts";

export interface Choice<T extends string> {
  value: T;
  label: string;
  hint?: string;
}

/** A problem in words; undefined: it can be used. */
export type Check = (text: string) => string | undefined;

/** Somebody who can be asked. Each rejects with `Cancelled` at Ctrl-C. */
export interface Prompts {
  choose<T extends string>(message: string, choices: readonly Choice<T>[]): Promise<T>;
  pickMany<T extends string>(message: string, choices: readonly Choice<T>[]): Promise<T[]>;
  confirm(message: string, initial?: boolean): Promise<boolean>;
  text(message: string, check: Check, placeholder?: string): Promise<string>;
  /** What is typed is not shown. */
  secret(message: string, check: Check): Promise<string>;
}

export interface Result {
  step: StepName;
  outcome: Outcome;
}

/** What there is to say at the end. */
export interface End {
  results: readonly Result[];
  /** The step at which the person left. */
  cancelled: StepName | undefined;
  /** What nobody's step is any more, and is still to do. */
  left: readonly string[];
}

/** Where setup shows what it does. */
export interface Ui {
  /** Undefined: nobody is there. */
  ask: Prompts | undefined;
  begin(step: { name: StepName; title: string }): void;
  /** For a person. */
  note(lines: string | readonly string[]): void;
  /** What is being done at this moment; null: nothing any more. */
  progress(line: string | null): void;
  /** For whoever has to do something meanwhile. */
  event(step: StepName, type: string, lines: string | string[], facts?: object): void;
  ended(result: Result): void;
  summary(end: End): void;
}

/** The person wants to go; what was done stays. */
export class Cancelled extends Error {
  override name = "Cancelled";
  constructor() {
    super("Left before the end.");
  }
}
