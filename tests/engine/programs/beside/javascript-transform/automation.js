// Brings the stack in this folder up with index.js as its program, by the Automation API: the language host for Node.js
// that can be built here stands between the program and the engine, and knows no invoke transforms.
const { LocalWorkspace } = require("@pulumi/pulumi/automation");

async function up() {
    const program = async () => require("./index.js");
    const stack = await LocalWorkspace.selectStack(
        { stackName: "test", projectName: "beside", program },
        { workDir: __dirname },
    );
    await stack.up({ onOutput: (text) => process.stdout.write(text) });
}

up().catch((error) => {
    console.error(error.message);
    process.exit(1);
});
