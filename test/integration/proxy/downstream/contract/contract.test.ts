/** Every kind of downstream keeps the same contract. */
import { downstreamContract } from "./contract.ts";
import { http1 } from "./http1.ts";
import { http2 } from "./http2.ts";
import { STREAMS } from "./streams.ts";

for (const own of [true, false]) {
  downstreamContract(http1(1, own));
  downstreamContract(http1(0, own));
  downstreamContract(http2(own));
}
downstreamContract(STREAMS);
