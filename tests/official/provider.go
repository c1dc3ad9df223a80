package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	awsbase "github.com/hashicorp/aws-sdk-go-base/v2"
	"github.com/hashicorp/aws-sdk-go-base/v2/useragent"
)

// Provider is a provider configuration, as the `aws:` namespace has it.
type Provider struct {
	AccessKey                      string
	AllowedAccountIds              []string
	AssumeRoles                    []Role
	AssumeRoleWithWebIdentity      *Role
	CustomCaBundle                 string
	Ec2MetadataServiceEndpoint     string
	Ec2MetadataServiceEndpointMode string
	Endpoints                      []map[string]string
	ForbiddenAccountIds            []string
	HttpProxy                      *string
	HttpsProxy                     *string
	Insecure                       bool
	MaxRetries                     int
	NoProxy                        string
	Profile                        string
	Region                         *string
	RetryMode                      string
	SecretKey                      string
	SharedConfigFiles              []string
	SharedCredentialsFiles         []string
	SkipCredentialsValidation      *bool
	SkipMetadataApiCheck           *bool
	SkipRegionValidation           *bool
	StsRegion                      string
	Token                          string
	TokenBucketRateLimiterCapacity int
	UseDualstackEndpoint           bool
	UseFipsEndpoint                bool
	UserAgents                     []string
}

// Role is one to assume, with credentials or with a web identity.
type Role struct {
	Duration             string
	ExternalId           string
	Policy               string
	PolicyArns           []string
	RoleArn              string
	SessionName          string
	SourceIdentity       string
	Tags                 map[string]string
	TransitiveTagKeys    []string
	WebIdentityToken     string
	WebIdentityTokenFile string
}

// The provider waits longer and longer; nothing is gained by that here.
type noBackoff struct{}

func (noBackoff) BackoffDelay(int, error) (time.Duration, error) { return time.Millisecond, nil }

// base is the configuration as the provider hands it to aws-sdk-go-base.
func (p Provider) base() (*awsbase.Config, error) {
	config := &awsbase.Config{
		AccessKey:                      p.AccessKey,
		AllowedAccountIds:              p.AllowedAccountIds,
		Backoff:                        noBackoff{},
		CustomCABundle:                 p.CustomCaBundle,
		ForbiddenAccountIds:            p.ForbiddenAccountIds,
		HTTPProxy:                      p.HttpProxy,
		HTTPProxyMode:                  awsbase.HTTPProxyModeLegacy,
		HTTPSProxy:                     p.HttpsProxy,
		Insecure:                       p.Insecure,
		MaxRetries:                     25,
		NoProxy:                        p.NoProxy,
		Profile:                        p.Profile,
		Region:                         p.region(),
		SecretKey:                      p.SecretKey,
		SharedConfigFiles:              p.SharedConfigFiles,
		SharedCredentialsFiles:         p.SharedCredentialsFiles,
		SsoEndpoint:                    p.endpoint("sso"),
		StsEndpoint:                    p.stsEndpoint(),
		StsRegion:                      p.StsRegion,
		SuppressDebugLog:               true,
		Token:                          p.Token,
		TokenBucketRateLimiterCapacity: p.TokenBucketRateLimiterCapacity,
		UseDualStackEndpoint:           p.UseDualstackEndpoint,
		UseFIPSEndpoint:                p.UseFipsEndpoint,
	}
	if p.MaxRetries != 0 {
		config.MaxRetries = p.MaxRetries
	}
	if p.Ec2MetadataServiceEndpoint != "" {
		config.EC2MetadataServiceEndpoint = p.Ec2MetadataServiceEndpoint
		config.EC2MetadataServiceEndpointMode = p.Ec2MetadataServiceEndpointMode
	}
	for _, role := range p.AssumeRoles {
		config.AssumeRole = append(config.AssumeRole, role.assume())
	}
	// A single role without an ARN is as good as none.
	if len(config.AssumeRole) == 1 && config.AssumeRole[0].RoleARN == "" {
		config.AssumeRole = nil
	}
	if role := p.AssumeRoleWithWebIdentity; role != nil {
		config.AssumeRoleWithWebIdentity = role.assumeWithWebIdentity()
	}
	if len(p.UserAgents) > 0 {
		var products []any
		for _, product := range p.UserAgents {
			products = append(products, product)
		}
		config.UserAgent = useragent.FromSlice(products)
	}
	if p.RetryMode != "" {
		mode, err := aws.ParseRetryMode(p.RetryMode)
		if err != nil {
			return nil, err
		}
		config.RetryMode = mode
	}
	skip, err := p.skipMetadata()
	if err != nil {
		return nil, err
	}
	if skip != nil && *skip {
		config.EC2MetadataServiceEnableState = imds.ClientDisabled
	} else if skip != nil {
		config.EC2MetadataServiceEnableState = imds.ClientEnabled
	}
	return config, nil
}

// region is the Region that the provider is given: the SDKs of Pulumi set it from the environment.
func (p Provider) region() string {
	if p.Region != nil {
		return *p.Region
	}
	return firstVariable("AWS_REGION", "AWS_DEFAULT_REGION")
}

func (p Provider) skipMetadata() (*bool, error) {
	variable, set := os.LookupEnv("AWS_SKIP_METADATA_API_CHECK")
	if p.SkipMetadataApiCheck != nil || !set {
		return p.SkipMetadataApiCheck, nil
	}
	skip, err := strconv.ParseBool(variable)
	return &skip, err
}

// endpoint is the first URL for a service.
func (p Provider) endpoint(service string) string {
	for _, endpoints := range p.Endpoints {
		if url := endpoints[service]; url != "" {
			return url
		}
	}
	return ""
}

func (p Provider) stsEndpoint() string {
	if url := p.endpoint("sts"); url != "" {
		return url
	}
	return firstVariable("AWS_ENDPOINT_URL_STS", "TF_AWS_STS_ENDPOINT", "AWS_STS_ENDPOINT")
}

func firstVariable(names ...string) string {
	for _, name := range names {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return ""
}

func (r Role) assume() awsbase.AssumeRole {
	return awsbase.AssumeRole{
		RoleARN:           r.RoleArn,
		Duration:          r.duration(),
		ExternalID:        r.ExternalId,
		Policy:            r.Policy,
		PolicyARNs:        r.PolicyArns,
		SessionName:       r.SessionName,
		SourceIdentity:    r.SourceIdentity,
		Tags:              r.Tags,
		TransitiveTagKeys: r.TransitiveTagKeys,
	}
}

func (r Role) assumeWithWebIdentity() *awsbase.AssumeRoleWithWebIdentity {
	return &awsbase.AssumeRoleWithWebIdentity{
		RoleARN:              r.RoleArn,
		Duration:             r.duration(),
		Policy:               r.Policy,
		PolicyARNs:           r.PolicyArns,
		SessionName:          r.SessionName,
		WebIdentityToken:     r.WebIdentityToken,
		WebIdentityTokenFile: r.WebIdentityTokenFile,
	}
}

func (r Role) duration() time.Duration {
	duration, _ := time.ParseDuration(r.Duration)
	return duration
}

// validate holds the configuration against the provider's schema.
func (p Provider) validate() error {
	if len(p.AllowedAccountIds) > 0 && len(p.ForbiddenAccountIds) > 0 {
		return errors.New("forbiddenAccountIds conflicts with allowedAccountIds")
	}
	for _, role := range p.AssumeRoles {
		if err := role.validate(); err != nil {
			return err
		}
		if role.RoleArn == "" && len(p.AssumeRoles) > 1 {
			return errors.New("roleArn is required")
		}
	}
	if role := p.AssumeRoleWithWebIdentity; role != nil {
		if (role.WebIdentityToken == "") == (role.WebIdentityTokenFile == "") {
			return errors.New("exactly one of webIdentityToken and webIdentityTokenFile must be specified")
		}
		if length := len(role.WebIdentityToken); length > 0 && (length < 4 || length > 20000) {
			return errors.New("the length of webIdentityToken must be between 4 and 20000")
		}
		return role.validate()
	}
	return nil
}

var (
	partitions     = regexp.MustCompile(`^aws(-[a-z]+)*$`)
	accounts       = regexp.MustCompile(`^(aws|aws-managed|third-party|aws-marketplace|\d{12}|cw.{10})?$`)
	sessionNames   = regexp.MustCompile(`^[\w+=,.@\-]*$`)
	sessionSeconds = [2]float64{900, 43200}
)

func (r Role) validate() error {
	if r.Duration != "" {
		duration, err := time.ParseDuration(r.Duration)
		if err != nil {
			return fmt.Errorf("duration: %w", err)
		}
		if duration.Seconds() < sessionSeconds[0] || duration.Seconds() > sessionSeconds[1] {
			return errors.New("duration must be between 15 minutes (15m) and 12 hours (12h)")
		}
	}
	if length := len(r.ExternalId); length > 0 && (length < 2 || length > 1224) {
		return errors.New("the length of externalId must be between 2 and 1224")
	}
	if r.Policy != "" && !json.Valid([]byte(r.Policy)) {
		return errors.New("policy contains an invalid JSON")
	}
	for _, name := range []string{r.SessionName, r.SourceIdentity} {
		if length := len(name); length > 0 && (length < 2 || length > 64 || !sessionNames.MatchString(name)) {
			return errors.New("sessionName and sourceIdentity are names of 2 to 64 characters")
		}
	}
	for _, text := range append([]string{r.RoleArn}, r.PolicyArns...) {
		if text == "" {
			continue
		}
		parsed, err := arn.Parse(text)
		if err != nil || !partitions.MatchString(parsed.Partition) || !accounts.MatchString(parsed.AccountID) || parsed.Resource == "" {
			return fmt.Errorf("%q is an invalid ARN", text)
		}
	}
	return nil
}
