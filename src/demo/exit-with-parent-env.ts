/** Holds the process id of the demo for its children; see exit-with-parent.ts. */
export const EXIT_WITH_PARENT = "NEURABALANCER_EXIT_WITH_PARENT";
