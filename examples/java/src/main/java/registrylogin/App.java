package registrylogin;

import com.google.gson.Gson;
import com.pulumi.Context;
import com.pulumi.Pulumi;
import com.pulumi.aws.ecr.EcrFunctions;
import com.pulumi.aws.ecr.inputs.GetCredentialsArgs;
import com.pulumi.aws.ecr.inputs.GetCredentialsPlainArgs;
import com.pulumi.core.Output;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;

public final class App {
    public static void main(String[] args) {
        Pulumi.run(App::stack);
    }

    static void stack(Context ctx) {
        var registryId = ctx.config().require("registryId");

        // The Output form also takes Outputs, such as repository.registryId().
        var credentials = EcrFunctions.getCredentials(
            GetCredentialsArgs.builder().registryId(registryId).build());

        // What an image build takes to push, such as registries of a docker-build Image.
        var login = credentials.applyValue(result -> decode(result.authorizationToken()));
        ctx.export("address", credentials.applyValue(result -> result.proxyEndpoint()));
        ctx.export("username", login.applyValue(pair -> pair[0]));
        ctx.export("password", login.applyValue(pair -> pair[1]).asSecret());

        // The direct form gives plain values, here for the config.json of a pull secret.
        var plain = EcrFunctions.getCredentialsPlain(
            GetCredentialsPlainArgs.builder().registryId(registryId).build()).join();
        var auths = Map.of(plain.proxyEndpoint(), Map.of("auth", plain.authorizationToken()));
        ctx.export("dockerConfig", Output.ofSecret(new Gson().toJson(Map.of("auths", auths))));
        ctx.export("expiresAt", Output.of(plain.expiresAt()));
    }

    private static String[] decode(String authorizationToken) {
        return new String(Base64.getDecoder().decode(authorizationToken), StandardCharsets.UTF_8).split(":", 2);
    }
}
