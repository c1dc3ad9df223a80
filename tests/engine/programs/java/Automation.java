package registrylogin;

import com.pulumi.automation.LocalWorkspace;
import com.pulumi.automation.LocalWorkspaceOptions;
import com.pulumi.automation.UpOptions;
import com.pulumi.automation.WorkspaceStack;
import java.nio.file.Path;

/** Brings the example up through the Automation API, as an inline program of the stack in the working folder. */
public final class Automation {
    public static void main(String[] args) throws Exception {
        var options = LocalWorkspaceOptions.builder().workDir(Path.of("").toAbsolutePath()).program(App::stack).build();
        try (var stack = WorkspaceStack.select("test", LocalWorkspace.create(options))) {
            System.out.println(run(stack, args[0]));
        }
    }

    private static String run(WorkspaceStack stack, String step) throws Exception {
        switch (step) {
            case "preview":
                return stack.preview().standardOutput();
            case "up":
                return stack.up().standardOutput();
            case "second up":
                return stack.up(UpOptions.builder().expectNoChanges(true).build()).standardOutput();
            case "refresh":
                return stack.refresh().standardOutput();
            case "destroy":
                return stack.destroy().standardOutput();
            default:
                throw new IllegalArgumentException(step);
        }
    }
}
