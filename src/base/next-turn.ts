/** Resolves after the event loop has run what was waiting: timers, input, messages. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
    } else if (typeof MessageChannel !== 'function') {
      setTimeout(resolve, 0); // jsdom
    } else {
      // Timers are held back by 4 ms when nested; a message is not.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    }
  });
}
