/** What an attempt says of its class where none are told apart, and of a response that is well. */
export const UNCLASSED = Object.freeze({
  template: 0,
  parentTemplate: 0,
  work: 0,
  othersWork: 1,
  transferringAtDispatch: 0,
  status: 200,
});
