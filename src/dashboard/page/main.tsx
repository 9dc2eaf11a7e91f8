/** Where the page begins. */
import { render } from "preact";
import { startLive } from "./app/live.ts";
import { Shell } from "./app/shell.tsx";

const root = document.getElementById("page")!;
root.replaceChildren();
render(<Shell />, root);
startLive();
