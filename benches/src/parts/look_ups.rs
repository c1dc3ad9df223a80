//! Functions that look things up, which are asked of ECR anew for each call.

use std::time::Instant;

use serde_json::{Value as Json, json};

use super::{Bench, call::Call};
use crate::{
    contenders::{Provider, REGION},
    report::{Goal, Row, Unit},
    samples::Samples,
};

/// As many as a page holds.
const IMAGES: usize = 1000;

impl Bench {
    /// One call at a time; the two plugins take turns.
    pub(super) async fn look_ups(&self) -> Vec<Row> {
        self.hold_repositories();
        let repository = self.look_up(50, "aws:ecr/getRepository:getRepository", json!({"name": "small"})).await;
        let images = self.look_up(10, "aws:ecr/getImages:getImages", json!({"repositoryName": "large"})).await;
        let row = |what, [ours, theirs]: [Samples; 2]| Row {
            what,
            ours,
            against: "Go peer",
            theirs,
            unit: Unit::Seconds,
            goal: Goal::AtMost(1.0),
        };
        vec![row("getRepository, p50", repository), row("getImages of 1,000 images, p50", images)]
    }

    /// A repository with one image, and one with a page of them.
    pub(super) fn hold_repositories(&self) {
        for (name, images) in [("small", 1), ("large", IMAGES)] {
            let arn = format!("arn:aws:ecr:{REGION}:444455556666:repository/{name}");
            let uri = format!("444455556666.dkr.ecr.{REGION}.amazonaws.com/{name}");
            self.ecr.hold(
                "repositories",
                json!({"repositoryName": name, "repositoryArn": arn, "repositoryUri": uri,
                    "imageTagMutability": "MUTABLE", "imageScanningConfiguration": {"scanOnPush": true},
                    "encryptionConfiguration": {"encryptionType": "AES256"}}),
            );
            self.ecr.hold("tags", json!({"resourceArn": arn, "tags": [{"Key": "Usage", "Value": "bench"}]}));
            for number in 0..images {
                let (digest, tags) = (format!("sha256:{number:064x}"), [format!("v{number}")]);
                let image = json!({"repositoryName": name, "imageDigest": digest, "imageTags": tags,
                    "imageSizeInBytes": 1000, "imagePushedAt": 1_700_000_000 + number});
                self.ecr.hold("images", image);
            }
        }
    }

    /// The p50 of as many calls of each plugin, again and again.
    async fn look_up(&self, calls: usize, token: &str, arguments: Json) -> [Samples; 2] {
        let url = self.ecr.url();
        let ours = Provider::Ours.configured(&self.engine, &url).await;
        let theirs = Provider::Go.configured(&self.engine, &url).await;
        let contenders = [&ours, &theirs].map(|plugin| Call::invoke_of(plugin, token, arguments.clone()));
        for contender in &contenders {
            contender.make().await;
        }
        let mut medians = <[Samples; 2]>::default();
        for _ in 0..self.times(20) {
            for (contender, medians) in contenders.iter().zip(&mut medians) {
                let mut times = Samples::default();
                for _ in 0..calls {
                    let start = Instant::now();
                    contender.make().await;
                    times.push(start.elapsed().as_secs_f64());
                }
                medians.push(times.median());
            }
        }
        medians
    }
}
