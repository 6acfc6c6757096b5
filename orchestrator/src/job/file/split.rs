//! `[step]` of a job about a model that stays split (分持模型): trained, evaluated, or used for prediction.

use crate::fault::{Code, Fault, Result};
use serde::{Deserialize, Serialize};
use yu_fedlearn::vertical::task::{Answer, Learner, Settings};
use yu_governance::contract::{ColumnRef, ModelTerms, Side, StepTerms};

/// One of three.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SplitFile {
    /// `[step.train]`.
    Train(TrainFile),
    /// `[step.evaluate]`.
    Evaluate(UseFile),
    /// `[step.predict]`.
    Predict(UseFile),
}

/// A training.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainFile {
    /// `left.NAME` or `right.NAME`: of zeros and ones, of classes 0 to `classes - 1`, of numbers or of counts, by the model.
    pub target: String,
    /// From what is predicted, left columns first.
    pub features: Vec<String>,
    /// What is trained.
    pub model: Learner,
    /// Hundredths of the rows that are held out.
    #[serde(default)]
    pub hold_out: Option<u32>,
    /// Points of the learning curve.
    #[serde(default)]
    pub points: Option<u32>,
    /// Classes of the label; 2 if absent.
    #[serde(default)]
    pub classes: Option<u32>,
    /// What predictions of a class tell: `probabilities` or `class`.
    #[serde(default)]
    pub answer: Option<Answer>,
}

/// What a trained model is used for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UseFile {
    /// The job that trained it.
    pub model: String,
    /// The label, where it is evaluated.
    #[serde(default)]
    pub target: Option<String>,
    /// Columns of these data sets, in the order of the training; absent: named as there.
    #[serde(default)]
    pub features: Vec<String>,
    /// How it was trained; filled in from this node's share.
    #[serde(skip)]
    pub settings: Option<String>,
}

fn column(field: &str, text: &str) -> Result<ColumnRef> {
    let parts = text.split_once('.').filter(|(_, name)| !name.is_empty());
    let side = match parts {
        Some(("left", _)) => Side::Left,
        Some(("right", _)) => Side::Right,
        _ => return Err(Fault::new(Code::Input, format!("`{text}`: a column is named `left.NAME` or `right.NAME`")).at(field.to_owned())),
    };
    Ok(ColumnRef { side, column: parts.map(|(_, name)| name.to_owned()).unwrap_or_default() })
}

fn columns(field: &str, texts: &[String]) -> Result<Vec<ColumnRef>> {
    let mut all = texts.iter().map(|text| column(field, text)).collect::<Result<Vec<_>>>()?;
    all.sort_by_key(|column| column.side == Side::Right);
    Ok(all)
}

impl SplitFile {
    /// The step as the contract states it.
    ///
    /// # Errors
    /// `input.bad` naming the field.
    pub fn terms(&self) -> Result<StepTerms> {
        match self {
            Self::Train(file) => {
                let text = |field: &str| format!("job.toml `step.train.{field}`");
                let usual = Settings::new(file.model.clone());
                let settings = Settings {
                    hold_out: file.hold_out.unwrap_or(usual.hold_out),
                    points: file.points.unwrap_or(usual.points),
                    classes: file.classes.unwrap_or(usual.classes),
                    answer: file.answer.unwrap_or(usual.answer),
                    ..usual
                };
                Ok(StepTerms::Train(ModelTerms {
                    target: Some(column(&text("target"), &file.target)?),
                    features: columns(&text("features"), &file.features)?,
                    settings: crate::job::split::words(&settings)?,
                    model: None,
                }))
            }
            Self::Evaluate(file) => {
                let Some(target) = &file.target else {
                    return Err(Fault::new(Code::Input, "what the model is judged by").at("job.toml `step.evaluate.target`"));
                };
                Ok(StepTerms::Evaluate(file.terms("evaluate", Some(column("job.toml `step.evaluate.target`", target)?))?))
            }
            Self::Predict(file) if file.target.is_some() => {
                Err(Fault::new(Code::Input, "a prediction has no target; `[step.evaluate]` judges").at("job.toml `step.predict.target`"))
            }
            Self::Predict(file) => Ok(StepTerms::Predict(file.terms("predict", None)?)),
        }
    }
}

impl UseFile {
    fn terms(&self, verb: &str, target: Option<ColumnRef>) -> Result<ModelTerms> {
        let model = crate::destroy::parse_job(&self.model).map_err(|fault| fault.at(format!("job.toml `step.{verb}.model`")))?;
        let features = columns(&format!("job.toml `step.{verb}.features`"), &self.features)?;
        // the settings are filled in by whoever compiles: they are not for a person to write
        Ok(ModelTerms { target, features, settings: self.settings.clone().unwrap_or_else(|| "?".into()), model: Some(model) })
    }
}
