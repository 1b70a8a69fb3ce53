// A store that speaks S3, for the tests: s3rver keeps objects in a folder, and knows one key (it does not recompute signatures).
import S3rver from "s3rver";

const server = new S3rver({
  address: "127.0.0.1", port: 0, directory: process.argv[2], silent: true, configureBuckets: [{ name: "fairlead" }],
});
const { port } = await server.run();
console.log(`http://127.0.0.1:${port}`);
process.stdin.on("end", () => process.exit(0)).resume();
