/** Whether a box that scrolls to the side holds more than is seen, so that its edge can say so. */
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

/** @returns the class that the frame around `box` wears. */
export function useEdges(box: RefObject<HTMLElement | null>): string {
  const [edges, setEdges] = useState("");
  useEffect(() => {
    const element = box.current!;
    const look = () => {
      const { scrollLeft, scrollWidth, clientWidth } = element;
      const left = scrollLeft > 1 ? "more-left" : "";
      const right = scrollLeft + clientWidth < scrollWidth - 1 ? "more-right" : "";
      setEdges(`${left} ${right}`.trim());
    };
    const watch = new ResizeObserver(look);
    watch.observe(element);
    if (element.firstElementChild !== null) watch.observe(element.firstElementChild);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      watch.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, []);
  return `edges ${edges}`;
}
