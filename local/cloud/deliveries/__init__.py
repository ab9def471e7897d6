"""What AWS's services hand to each other in their own name, and whose permission that takes.

ministack carries these deliveries out and asks nobody, or asks too little. The modules here put themselves in their
place in ministack, and only they do so besides `local.cloud.ministack_corrections` and `local.cloud.enforcement`.
"""
