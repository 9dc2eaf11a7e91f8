/**
 * Uploads many bytes with Node's own clients and prints the status of the response.
 *   upload.mjs http|fetch <url> <bytes>
 */
import { request as plain } from "node:http";
import { request as secure } from "node:https";

process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
const [client, url, count] = process.argv.slice(2);
const body = Buffer.alloc(Number(count), "x");

if (client === "fetch") {
  const response = await fetch(url, { method: "POST", body });
  await response.arrayBuffer();
  console.log(response.status);
} else {
  const request = (url.startsWith("https:") ? secure : plain)(url, { method: "POST" });
  request.setHeader("Content-Length", body.length);
  request.on("response", (response) => {
    response.resume().on("end", () => {
      console.log(response.statusCode);
    });
  });
  request.end(body);
}
