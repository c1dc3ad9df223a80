using System.Text.Json;
using Pulumi;
using Ecr = Pulumi.Aws.Ecr;

return await Deployment.RunAsync(async () =>
{
    var registryId = new Config().Require("registryId");

    // The Output form also takes Outputs, such as repository.RegistryId.
    var credentials = Ecr.GetCredentials.Invoke(new() { RegistryId = registryId });

    // What an image build takes to push, such as Registries of a docker-build Image.
    var registry = credentials.Apply(result => new Dictionary<string, string>
    {
        ["address"] = result.ProxyEndpoint,
        ["username"] = result.UserName,
        ["password"] = result.Password,
    });

    // The direct form gives plain values, here for the config.json of a pull secret.
    var login = await Ecr.GetCredentials.InvokeAsync(new() { RegistryId = registryId });
    var dockerConfig = JsonSerializer.Serialize(new
    {
        auths = new Dictionary<string, object>
        {
            [login.ProxyEndpoint] = new { auth = login.AuthorizationToken },
        },
    });

    return new Dictionary<string, object?>
    {
        ["registry"] = Output.CreateSecret(registry),
        ["dockerConfig"] = Output.CreateSecret(dockerConfig),
        ["expiresAt"] = login.ExpiresAt,
    };
});
