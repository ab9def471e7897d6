"""`make status`: what runs here, and which images the products have."""

from __future__ import annotations

import sys

from rich.table import Table

from local.cloud_process import CloudError
from local.environment import REPOSITORY, LocalFolder
from local.people import PRODUCT_ENGINEER
from local.progress import Report
from local.session import Session
from local.stack_files import StackFiles
from model.files.problems import FileError


def main() -> None:
    """Show the cloud, the deployed stacks, and the images of each product."""
    report = Report()
    folder = LocalFolder()
    try:
        session = Session.of_running_cloud(folder, report, StackFiles.read(REPOSITORY))
    except (CloudError, FileError) as error:
        report.console.print(str(error), style="red", markup=False)
        sys.exit(1)
    report.console.print(f"local cloud: {session.address}, process {session.cloud.pid}, log in {folder.cloud}")
    deployed = [file.stem for file in folder.stack_states]
    report.console.print(f"stacks: {', '.join(deployed) or 'none'}")
    engineer = session.person(PRODUCT_ENGINEER, session.files.landing_zone.hub.account)
    images = Table("product", "image", "state", "AMIs")
    images.columns[1].overflow = "fold"
    for product in session.files.products:
        if product not in deployed:
            continue
        names = session.files.names(product)
        client = engineer.image_builder(names.region)
        for summary in client.list_image_pipeline_images(imagePipelineArn=names.pipeline_arn)["imageSummaryList"]:
            amis = summary.get("outputResources", {}).get("amis", [])
            places = "\n".join(f"{ami.get('accountId')} {ami.get('region')} {ami.get('image')}" for ami in amis)
            state = summary.get("state", {})
            images.add_row(product, summary.get("arn", ""), f"{state.get('status')} {state.get('reason', '')}", places)
    report.console.print(images)


if __name__ == "__main__":
    main()
