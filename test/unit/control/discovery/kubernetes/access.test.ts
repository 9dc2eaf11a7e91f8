/** Files that Kubernetes or the settings name, and that cannot be read to an end. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accessOf } from "../../../../../src/control/discovery/kubernetes/access.ts";
import { NO_KUBERNETES } from "../../../../../src/control/discovery/kubernetes/place.ts";

const directory = mkdtempSync(join(tmpdir(), "neurabalancer-access-"));
afterAll(() => rmSync(directory, { recursive: true }));

test.each([
  ["/dev/zero", "/dev/zero cannot be read (it is no regular file)"],
  [directory, "cannot be read (EISDIR)"],
  [join(directory, "none"), "there is no file"],
])("%s is no kubeconfig file", async (kubeconfig, words) => {
  await expect(accessOf({ ...NO_KUBERNETES, kubeconfig })).rejects.toThrow(words);
});

test("a file without bounds is not read", async () => {
  const kubeconfig = join(directory, "huge");
  writeFileSync(kubeconfig, "");
  truncateSync(kubeconfig, 2 ** 40);
  await expect(accessOf({ ...NO_KUBERNETES, kubeconfig })).rejects.toThrow("huge is longer than 1024 KB (KUBECONFIG)");
});
