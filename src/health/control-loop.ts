/** How often the control loop looks and decides, in the product as in the simulator. */

/** Period of its turns. */
export const CONTROL_TICK_MS = 100;
/** While requests flow it looks in between for servers that fail everything: each look is a few reads of memory. */
export const CONTROL_LOOK_MS = 20;
