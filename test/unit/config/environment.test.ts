import { expect, test } from "bun:test";
import { environmentForChildren } from "../../../src/config/environment.ts";

test("processes that are started inherit no secret", () => {
  process.env.DB_PASSWORD = "s3cret";
  process.env.ADMIN_TOKEN = "t0ken";
  try {
    const inherited = environmentForChildren();
    expect(inherited).toMatchObject({ PATH: process.env.PATH });
    expect(JSON.stringify(inherited)).not.toMatch(/s3cret|t0ken|DB_PASSWORD|ADMIN_TOKEN/);
  } finally {
    delete process.env.DB_PASSWORD;
    delete process.env.ADMIN_TOKEN;
  }
});
