import { expect, test } from "vitest";
import { stageOf } from "./build-image.ts";

test.for([
  ["Step 3/12 : RUN npm ci", "Step 3/12 : RUN npm ci"],
  ["STEP 2/9: COPY . /app", "STEP 2/9: COPY . /app"],
  ["#7 [runner 2/5] RUN apt-get update", "[runner 2/5] RUN apt-get update"],
  ["\u001b[33mStep 1/2 : FROM x\u001b[0m", "Step 1/2 : FROM x"],
  ["#7 sha256:ab 3.1MB / 30MB 0.4s", undefined],
  ["Get:1 http://deb.example bookworm InRelease", undefined],
  ["", undefined],
] as const)("of %j the builder's stage is %j", ([line, stage]) => {
  expect(stageOf(line)).toBe(stage);
});
