"""Actions by which a principal gains more than it has, in lower case."""

from __future__ import annotations

from collections.abc import Mapping

GIVES_ITSELF = (
    "iam:attachgrouppolicy",
    "iam:attachrolepolicy",
    "iam:attachuserpolicy",
    "iam:deleterolepermissionsboundary",
    "iam:deleteuserpermissionsboundary",
    "iam:putgrouppolicy",
    "iam:putrolepermissionsboundary",
    "iam:putrolepolicy",
    "iam:putuserpermissionsboundary",
    "iam:putuserpolicy",
)
"""Actions that give more to the principal they name, so that no principal may name itself."""

GAINS = (
    *GIVES_ITSELF,
    "iam:addusertogroup",
    "iam:createaccesskey",
    "iam:createloginprofile",
    "iam:createpolicyversion",
    "iam:setdefaultpolicyversion",
    "iam:updateassumerolepolicy",
    "iam:updateloginprofile",
    "sts:assumerole",
    "apprunner:updateservice",
    "cloudformation:updatestack",
    "codebuild:startbuild",
    "codebuild:startbuildbatch",
    "ec2-instance-connect:sendsshpublickey",
    "ecs:executecommand",
    "glue:updatedevendpoint",
    "lambda:updatefunctioncode",
    "lambda:updatefunctionconfiguration",
    "sagemaker:createpresignednotebookinstanceurl",
    "ssm:sendcommand",
    "ssm:startsession",
    "states:updatestatemachine",
)
"""Actions by which a principal comes to act as another one.

Sources: Rhino Security Labs, "AWS IAM Privilege Escalation"; Datadog, pathfinding.cloud.
"""

GAINS_TOGETHER: Mapping[str, tuple[str, ...]] = {
    "bedrock-agentcore:invokecodeinterpreter": ("bedrock-agentcore:startcodeinterpretersession",),
    "cloudformation:executechangeset": ("cloudformation:createchangeset",),
    "ec2:modifyinstanceattribute": ("ec2:startinstances",),
    "ec2:modifylaunchtemplate": ("ec2:createlaunchtemplateversion",),
    "sagemaker:updatenotebookinstance": ("sagemaker:createnotebookinstancelifecycleconfig",),
    "iam:passrole": (
        "apprunner:createservice",
        "autoscaling:createlaunchconfiguration",
        "bedrock-agentcore:createcodeinterpreter",
        "cloudformation:createstack",
        "cloudformation:createstackset",
        "cloudformation:updatestackset",
        "codebuild:createproject",
        "datapipeline:createpipeline",
        "ec2:associateiaminstanceprofile",
        "ec2:requestspotinstances",
        "ec2:runinstances",
        "ecs:registertaskdefinition",
        "ecs:runtask",
        "ecs:starttask",
        "glue:createdevendpoint",
        "glue:createjob",
        "glue:updatejob",
        "imagebuilder:createinfrastructureconfiguration",
        "lambda:createfunction",
        "sagemaker:createnotebookinstance",
        "sagemaker:createprocessingjob",
        "sagemaker:createtrainingjob",
        "scheduler:createschedule",
        "states:createstatemachine",
    ),
}
"""As above, each with those of which it takes one besides."""

CREDENTIALS = (
    "codepipeline:pollforjobs",
    "cognito-identity:getcredentialsforidentity",
    "connect:getfederationtoken",
    "ec2:getpassworddata",
    "gamelift:getinstanceaccess",
    "gamelift:requestuploadcredentials",
    "iam:createservicespecificcredential",
    "iam:resetservicespecificcredential",
    "lightsail:downloaddefaultkeypair",
    "lightsail:getinstanceaccessdetails",
    "rds-db:connect",
    "redshift:getclustercredentials",
    "redshift:getclustercredentialswithiam",
    "sso:getrolecredentials",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
    "sts:getfederationtoken",
)
"""Actions that answer with credentials of somebody else's."""

READING = (
    "dynamodb:scan",
    "ebs:getsnapshotblock",
    "rds:copydbsnapshot",
    "rds:createdbsnapshot",
    "s3:getobject",
    "s3:getobjectversion",
    "secretsmanager:getsecretvalue",
    "ssm:getparameter",
    "ssm:getparameterhistory",
    "ssm:getparameters",
    "ssm:getparametersbypath",
)
"""Actions by which data leaves where it lies."""

SHARING = (
    "ecr:setrepositorypolicy",
    "imagebuilder:putcomponentpolicy",
    "imagebuilder:putimagepolicy",
    "imagebuilder:putimagerecipepolicy",
    "kms:putkeypolicy",
    "lambda:addlayerversionpermission",
    "lambda:addpermission",
    "s3:deletebucketpolicy",
    "s3:putbucketacl",
    "s3:putbucketpolicy",
    "s3:putobjectacl",
    "secretsmanager:putresourcepolicy",
    "sns:addpermission",
    "sns:settopicattributes",
    "sqs:addpermission",
    "sqs:setqueueattributes",
    "ssm:modifydocumentpermission",
    "ssm:putresourcepolicy",
)
"""Actions that decide who else may use a resource."""
