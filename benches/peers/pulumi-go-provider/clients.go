package main

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

// clients makes the AWS client of a configuration when it is needed for the first time.
type clients struct {
	mutex         sync.Mutex
	configuration configuration
	client        *ecr.Client
}

func (c *clients) configure(configuration configuration) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.configuration, c.client = configuration, nil
}

func (c *clients) ecr(ctx context.Context) (*ecr.Client, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.client == nil {
		client, err := c.configuration.client(ctx)
		if err != nil {
			return nil, err
		}
		c.client = client
	}
	return c.client, nil
}
