// Whether a server that speaks first, or that answers one question, says what it says when it is ready. Only a probe: every failure (nobody
// listens, it hangs up, it says nothing within the time) is a no, and whoever waits asks again.
import net from 'node:net';

const WAIT_MS = 2_000;

/**
 * Resolves to whether the first bytes from the port are the expected ones. Everything asked here fits one packet, as do the bytes that are looked at.
 * @param {number} port
 * @param {{ question?: Buffer, isExpected: (answer: Buffer) => boolean }} conversation Without a question the server is to begin.
 */
export const greets = (port, { question, isExpected }) =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const end = (isReady) => {
      socket.destroy();
      resolve(isReady);
    };
    if (question !== undefined) socket.write(question);
    socket.setTimeout(WAIT_MS, () => end(false));
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
    socket.on('data', (answer) => end(isExpected(answer)));
  });
