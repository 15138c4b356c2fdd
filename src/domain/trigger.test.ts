import { describe, expect, test } from "vitest";
import { startsWithTrigger } from "./trigger.ts";

const yes: [string, string][] = [
  ["@Andy hello", "@Andy"],
  ["@Andy", "@Andy"],
  ["  \n@andy, hello", "@Andy"],
  ["@ANDY's list", "@Andy"],
  ["@Andy: do it", "@Andy"],
  ["@José hola", "@José"],
  ["@JOSE\u0301 hola", "@Jos\u00e9"],
  ["@C++ compile", "@C++"],
  ["@C++", "@c++"],
  ["小助你好", "小助"],
  ["@小助，你好", "@小助"],
  ["アンディさん", "アンディ"],
  ["@Straße 5", "@STRASSE".replace("SS", "ß")],
  ["@İzmir nerede", "@İzmir"],
  ["@i\u0307zmir nerede", "@İzmir"],
  ["@GROẞ da", "@groß"],
  ["@Андрей, привет", "@андрей"],
  ["@Andy👋", "@Andy"],
  ["＠Andy full width", "@Andy"],
  ["(.*) is the name", "(.*)"],
];
const no: [string, string][] = [
  ["@Andyman hello", "@Andy"],
  ["@Andy2 hello", "@Andy"],
  ["@Andy_b hello", "@Andy"],
  ["@José hola", "@Jos"],
  ["@Jose\u0301 hola", "@Jose"],
  ["@C++x", "@C++"],
  ["hi @Andy", "@Andy"],
  ["@And", "@Andy"],
  ["", "@Andy"],
  ["anything", ""],
  ["anything", ".*"],
  ["@Андрейка", "@Андрей"],
];

describe("does a text begin with the trigger", () => {
  test.each(yes)("%j calls %j", (text, trigger) => {
    expect(startsWithTrigger(text, trigger)).toBe(true);
  });
  test.each(no)("%j does not call %j", (text, trigger) => {
    expect(startsWithTrigger(text, trigger)).toBe(false);
  });
});
